import { AddressChanges } from '../accounts/address_changes.ts'
import { PasswordLinks } from '../accounts/password_links.ts'
import type { Config } from '../config/config.ts'
import { TextSealer } from '../keys/text_sealer.ts'
import type { Clock } from '../lib/clock.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import type { Environment } from './environment.ts'
import { createMaintenanceServices, type MaintenanceServices } from './maintenance_services.ts'
import { createOperatorServices, type OperatorServices } from './operator_services.ts'
import { createServices, type Services } from './services.ts'

/**
 * The services of the Worker of management: those of the token service, and those of the cron trigger, the admin API, the console and
 * the account pages.
 */
export interface ManagementServices
  extends Services,
    MaintenanceServices,
    OperatorServices,
    ReturnType<typeof createAccountPageServices> {}

/** Creates the services of one isolate of the Worker of management. */
export function createManagementServices(
  environment: Environment,
  config: Config,
  clock: Clock,
): ManagementServices {
  const services = createServices(environment, config, clock)
  const maintenance = createMaintenanceServices(environment, services)
  return {
    ...services,
    ...maintenance,
    ...createOperatorServices(environment, { ...services, ...maintenance }),
    ...createAccountPageServices(environment, services),
  }
}

/** Creates the services of the account pages and of their JSON API. */
function createAccountPageServices({ sealingKeys }: Environment, services: Services) {
  const names = new KeyedHash(sealingKeys[0], 'sallyport password links')
  return {
    /** Seals the forms of the account pages. */
    accountSealer: new TextSealer(sealingKeys, 'sallyport account forms'),
    addressChanges: new AddressChanges(services),
    passwordLinks: new PasswordLinks({ ...services, names }),
  }
}
