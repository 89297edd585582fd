import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { mountOf } from '../src/mount.ts'
import { assertSafePlacement } from '../src/placement.ts'
import { entry, succeed } from '../../../tests/support/stores.ts'
import { mount } from './mounts.ts'
import { newFile, newFolder, openStore } from './stores.ts'

const REFUSAL = expect.objectContaining({ code: 'INVALID_OPTION' })

/** A virtual machine, whose list names the root late. */
const MACHINE = `22 27 0:21 / /proc rw,relatime - proc proc rw
24 27 0:6 / /dev rw,relatime - devtmpfs devtmpfs rw,size=12334460k,nr_inodes=3083615,mode=755
26 24 0:24 / /dev/pts rw,relatime - devpts devpts rw,mode=600,ptmxmode=000
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
29 26 0:26 / /dev/pts rw,relatime - tmpfs tmpfs rw
42 27 0:39 / /srv/remote rw,nosuid,nodev,relatime - fuse.sshfs x:/srv/remote rw,user_id=0,group_id=0
43 27 0:40 / /srv/of\\040ours/a\\011b\\134 rw,relatime shared:5 - nfs4 10.0.0.1:/export rw,vers=4.2
`

/** A container, into which one file and two volumes are mounted. */
const CONTAINER = `781 663 0:57 / / rw,relatime master:224 - overlay overlay rw,lowerdir=/a:/b,upperdir=/c,workdir=/d
782 781 0:60 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
783 781 0:61 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755
790 781 8:1 /home/me/sessions.sqlite /app/sessions.sqlite rw,relatime master:1 - ext4 /dev/sda1 rw
791 781 8:1 /var/lib/docker/volumes/sessions/_data /data rw,relatime master:1 - ext4 /dev/sda1 rw
792 791 0:70 / /data/share rw,relatime - cifs //server/share rw,vers=3.1.1
`

/** A folder that was mounted over another one, which has a mount in it, and a mount over a mount. */
const COVERED = `1 1 0:1 / / rw - rootfs rootfs rw
20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 20 0:30 / /data/deep rw,relatime - nfs 10.0.0.1:/export rw
31 20 0:31 / /data rw,relatime - xfs /dev/sdb1 rw
32 31 0:32 / /data rw,relatime - btrfs /dev/sdc1 rw
`

/** A process in a folder that is its root. Its list does not name what is mounted there. */
const CHROOT = `50 49 8:2 / /data rw,relatime - ext4 /dev/sda2 rw
`

describe('the mount of a path', () => {
  it.each([
    ['is the root', MACHINE, '/srv/sessions.sqlite', '/', 'ext4'],
    ['is the deepest', MACHINE, '/srv/remote/a/sessions.sqlite', '/srv/remote', 'fuse.sshfs'],
    ['is the later one of two in one place', MACHINE, '/dev/pts/0', '/dev/pts', 'tmpfs'],
    ['may have a name with blanks and backslashes', MACHINE, '/srv/of ours/a\tb\\/file', '/srv/of ours/a\tb\\', 'nfs4'],
    ['is none whose name only begins alike', MACHINE, '/srv/remote2/sessions.sqlite', '/', 'ext4'],
    ['may be a file', CONTAINER, '/app/sessions.sqlite', '/app/sessions.sqlite', 'ext4'],
    ['is not that of a file next to it', CONTAINER, '/app/sessions.sqlite-wal', '/', 'overlay'],
    ['may be in another one', CONTAINER, '/data/share/sessions.sqlite', '/data/share', 'cifs'],
    ['is not one that another one hides', COVERED, '/data/deep/sessions.sqlite', '/data', 'btrfs'],
    ['is over the first root', COVERED, '/sessions.sqlite', '/', 'ext4'],
    ['is one whose parent is not told', CHROOT, '/data/sessions.sqlite', '/data', 'ext4'],
  ])('%s', (_, mountinfo, path, point, type) => {
    expect(mountOf(path, mountinfo)).toMatchObject({ point, type })
  })

  it.each([
    ['nothing', ''],
    ['something else', 'a\n\n1 2 3 4 5 6 7 8\n'],
    ['no more', CHROOT],
  ])('is not known where the list says %s', (_, mountinfo) => {
    expect(mountOf('/sessions.sqlite', mountinfo)).toBeUndefined()
  })
})

describe('a file that is mounted without its folder', () => {
  it('7.6 is refused, with the mend, and by a link too', (context) => {
    const [source, target, link] = [newFile(), join(newFolder(), 'a name with blanks'), newFile()]
    for (const file of [source, target]) writeFileSync(file, '')
    symlinkSync(target, link)
    expect(() => openStore({ file: target })).not.toThrow()
    mount(context, '--bind', source, target)
    for (const file of [target, link]) {
      const open = () => openStore({ file, acceptRemoteFileSystem: true })
      expect(open).toThrow(REFUSAL)
      expect(open).toThrow(/^Option sqlite\.file names a file that is mounted without its folder.*Mount the folder/)
    }
  })

  it('7.6 is refused with the message that the page of messages shows', () => {
    const file = newFile()
    const list = `790 781 8:1 /home/me/sessions.sqlite ${file} rw,relatime master:1 - ext4 /dev/sda1 rw\n`
    const page = readFileSync(new URL('../../../docs/guide/troubleshooting.md', import.meta.url), 'utf8')
    const shown = page.split('\n').find((line) => line.includes('mounted without its folder.'))
    expect(() => assertSafePlacement(file, false, list)).toThrow(shown?.replace('SessError: ', ''))
    expect(shown).toBeDefined()
  })

  it('is fine with its folder: what a process wrote there, another one reads through another mount', async (context) => {
    const [folder, one, other] = [newFolder(), newFolder(), newFolder()]
    mount(context, '--bind', folder, one)
    mount(context, '--bind', folder, other)
    await succeed(openStore({ file: join(one, 'sessions.sqlite') }).create('key', entry('data')))
    expect(await openStore({ file: join(other, 'sessions.sqlite') }).read('key')).toMatchObject(entry('data'))
  })

  it('7.6 is refused where Docker made a folder of it, since there was no file', (context) => {
    const [source, target] = [newFolder(), newFile()]
    mkdirSync(target)
    mount(context, '--bind', source, target)
    expect(() => openStore({ file: target })).toThrow(REFUSAL)
  })
})

describe('a file on a file system', () => {
  /** The list of a machine whose only file system is of that type. */
  const only = (type: string): string => `27 1 0:40 / / rw,relatime - ${type} somewhere rw\n`

  it.each(['nfs', 'nfs4', 'cifs', 'smb3', 'ceph', '9p', 'virtiofs', 'fuse.sshfs', 'fuse.glusterfs', 'fuse.grpcfuse'])(
    '7.6 of a server or a host is refused, with the mend, unless that is accepted: %s',
    (type) => {
      const file = newFile()
      const open = () => assertSafePlacement(file, false, only(type))
      expect(open).toThrow(REFUSAL)
      expect(open).toThrow(`a remote file system (${type})`)
      expect(open).toThrow(/Put it on a local disk.*sqlite\.acceptRemoteFileSystem/)
      expect(() => assertSafePlacement(file, true, only(type))).not.toThrow()
    },
  )

  it.each(['ext4', 'xfs', 'btrfs', 'zfs', 'overlay', 'tmpfs', 'fuse', 'fuseblk', 'fuse.mergerfs'])(
    'of this machine is fine: %s',
    (type) => {
      expect(() => assertSafePlacement(newFile(), false, only(type))).not.toThrow()
    },
  )

  it('is fine where the operating system does not tell', () => {
    expect(() => assertSafePlacement(newFile(), false, '')).not.toThrow()
  })
})
