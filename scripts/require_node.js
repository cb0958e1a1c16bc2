// Loaded before each script. The scripts are TypeScript, which Node runs from 22.18 on. On Linux the project installs a current
// Node (scripts/node/package.json). On other systems the user's Node is used.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `This needs Node 22.18 or newer; this is ${process.version}. See https://nodejs.org/en/download`,
  )
  process.exit(1)
}
