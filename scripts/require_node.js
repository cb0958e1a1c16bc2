// Loaded before each script: checks the Node version and the development tools, and reports lost output. The scripts are
// TypeScript, which Node runs from 22.18 on. On Linux the project installs a current Node (scripts/node/package.json). On other
// systems the user's Node is used.
import './require_tools.js'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  stop(`This needs Node 22.18 or newer; this is ${process.version}. See https://nodejs.org/en/download`)
}
// `console.log` ignores a full disk and a closed pipe, and a stream without a listener ends the process with a stack trace.
process.stdout.on('error', ({ code }) =>
  stop(`The output is incomplete: standard output failed with ${code}.`),
)

function stop(message) {
  console.error(message)
  process.exit(1)
}
