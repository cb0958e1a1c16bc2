import type { PageServices } from '../browser/browser_services.ts'
import type { ManagementServices } from '../services/management_services.ts'

/** The services of the account pages. */
export interface AccountPageServices extends ManagementServices, PageServices {}
