import { takeTrip } from './support/trip.ts'

takeTrip('express-4', { packages: ['core', 'adapter-cookie', 'adapter-redis'], start: () => ['server.js'] })
