// `npm run architecture` draws docs/architecture.svg. `--check` fails if the picture is out of date.
import { draw, writePicture } from './diagram.ts'

const SERVICE = 'Token service'
const MANAGEMENT = 'Worker of management'

const svg = draw({
  title:
    'A storefront and the operators call the token service, which reads KV and D1. APIs verify tokens with its keys and its revocation feed',
  boxes: [
    { name: 'Storefront or app', details: ['@sallyport/client'] },
    { name: 'Shop back end', details: ['a confidential client'] },
    { name: 'Operators', details: ['/console, sallyport'] },
    { name: SERVICE, details: ['a Cloudflare Worker', 'in each data centre'] },
    { name: MANAGEMENT, details: ['console, admin API', 'and account pages'] },
    { name: 'Your APIs', details: ['@sallyport/verify'] },
    { name: 'KV', details: ['copies of clients, keys'] },
    { name: 'D1', details: ['users, sessions, keys', 'audit trail'] },
    { name: 'Cron trigger', details: ['keys, sweep'] },
  ],
  arrows: [
    { from: 'Storefront or app', to: 'Your APIs', label: 'access token' },
    { from: 'Storefront or app', to: SERVICE, label: '/oauth2-token' },
    { from: 'Shop back end', to: SERVICE, label: '/oauth2-token, /admin/api' },
    { from: 'Operators', to: SERVICE, label: '/admin/api' },
    { from: 'Your APIs', to: SERVICE, label: 'JWKS, /revocations' },
    { from: 'Cron trigger', to: SERVICE, label: 'every 5 minutes' },
    { from: SERVICE, to: MANAGEMENT, label: 'forwards by RPC' },
    { from: MANAGEMENT, to: 'D1', label: 'changes' },
    { from: SERVICE, to: 'KV', label: 'reads near the caller' },
    { from: SERVICE, to: 'D1', label: 'one write for a refresh' },
  ],
  box: { width: 172, height: 30 },
  layout: { rankdir: 'TB', nodesep: 34, ranksep: 44, marginx: 16, marginy: 16 },
})
writePicture('docs/architecture.svg', svg, 'npm run architecture')
