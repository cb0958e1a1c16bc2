#!/usr/bin/env node
// The file exists before the build, so that `npm ci` can link the command.
import '../dist/sallyport.js'
