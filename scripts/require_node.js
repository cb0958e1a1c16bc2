// Loaded before each script, which are TypeScript that Node runs by itself from 22.18 on. On Linux the project
// brings a current Node along (scripts/node/package.json); elsewhere it is the user's own.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `This needs Node 22.18 or newer; this is ${process.version}. See https://nodejs.org/en/download`,
  )
  process.exit(1)
}
