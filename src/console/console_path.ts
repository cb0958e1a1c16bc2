/** The path of the console. */
export const CONSOLE_PATH = '/console'

/** The file name of the script of the console. */
export const SCRIPT_NAME = 'local_times.js'
