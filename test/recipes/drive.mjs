// Runs one function of a recipe: node drive.mjs <function> <arguments as JSON> <file of the shop's links and mails>
import { readFileSync, writeFileSync } from 'node:fs'
import * as change from '../../docs/recipes/change_of_email.mjs'
import * as reset from '../../docs/recipes/forgotten_password.mjs'
import * as registration from '../../docs/recipes/registration.mjs'

const [, , name, values, file] = process.argv
const state = JSON.parse(readFileSync(file, 'utf8'))
state.links = Object(state.links)
const shop = {
  async putLink(link) {
    state.links[link.hash] = link
  },
  async takeLink(hash) {
    const link = state.links[hash] ?? null
    delete state.links[hash]
    return link
  },
  async sendMail(to, text) {
    state.mails.push({ to, text })
  },
}
let result
try {
  result = await { ...change, ...reset, ...registration }[name](...JSON.parse(values), shop)
} catch ({ message }) {
  result = { thrown: message }
}
writeFileSync(file, JSON.stringify(state))
process.stdout.write(JSON.stringify(result ?? null))
