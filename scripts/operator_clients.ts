/** The public clients with which operators sign in: the command line and the console. */
export const OPERATOR_CLIENTS = ['sallyport-cli', 'sallyport-console'] as const
