import { realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { SessError } from '@sess/core/adapter'
import { type Mount, mountOf } from './mount.js'

/** File systems whose files are on another machine: on a server, or on the host of a virtual machine. */
const REMOTE = new Set(
  `9p afs beegfs blobfuse blobfuse2 ceph ceph-fuse cifs coda davfs gcsfuse gfs2 glusterfs goofys gpfs grpcfuse juicefs
  lustre ncpfs nfs nfs4 ocfs2 osxfs prl_fs pvfs2 rclone s3fs smb3 smbfs sshfs vboxsf virtiofs vmhgfs vmhgfs-fuse`.split(
    /\s+/,
  ),
)

/** Throws `INVALID_OPTION` if SQLite would lose or damage the file where it is. `mountinfo`: what `mountOf` takes. */
export function assertSafePlacement(file: string, acceptsRemote: boolean, mountinfo: string): void {
  const path = resolveLinks(file)
  const mount = mountOf(path, mountinfo)
  if (mount?.point === path) {
    throw new SessError(
      'INVALID_OPTION',
      'Option sqlite.file names a file that is mounted without its folder. SQLite keeps the latest writes in a second ' +
        'file next to it, which is outside of the mount, so they are lost with the container. Mount the folder: in ' +
        'Docker -v sessions:/data, not -v ./sessions.sqlite:/data/sessions.sqlite; in Kubernetes no subPath of a file.',
    )
  }
  if (mount !== undefined && !acceptsRemote && isRemote(mount)) {
    throw new SessError(
      'INVALID_OPTION',
      `Option sqlite.file names a file on a remote file system (${mount.type}), where SQLite's locks and its shared ` +
        'memory do not work between machines: sessions get lost, and the file gets damaged. Put it on a local disk or ' +
        'a Docker volume, or use the redis store. If only one process ever has the file open, you can set the option ' +
        'sqlite.acceptRemoteFileSystem to true.',
    )
  }
}

/** The file system that a file is on. `undefined`: the operating system does not tell. */
export function fileSystemOf(file: string, mountinfo: string): Mount | undefined {
  return mountOf(resolveLinks(file), mountinfo)
}

export function isRemote({ type }: Mount): boolean {
  return REMOTE.has(type.replace(/^fuse\./, ''))
}

/** The path of a file that may not exist yet, without links. */
function resolveLinks(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return join(realpathSync(dirname(file)), basename(file))
  }
}
