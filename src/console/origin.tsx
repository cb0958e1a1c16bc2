import { formatCountry } from './country.ts'

interface OriginProps {
  /** Such as "Chrome on Android". */
  device: string | null
  /** A code of two characters. */
  country: string | null
  network?: string | null
}

/** Whether nothing is known of the origin. */
export function isUnknown({ device, country, network = null }: OriginProps): boolean {
  return device === null && country === null && network === null
}

/** The device and, below it, the country and the network of a request. */
export function Origin({ device, country, network = null }: OriginProps) {
  return (
    <>
      {device === null ? null : <span class="device">{device}</span>}
      {country === null ? null : (
        <span class="under">
          <Country code={country} />
        </span>
      )}
      {network === null ? null : <span class="under network">{network}</span>}
    </>
  )
}

/** A country by its name. The title has the code. */
export function Country({ code }: { code: string }) {
  return <span title={code}>{formatCountry(code)}</span>
}
