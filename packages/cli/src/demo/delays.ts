/** Flights and the sum of their delays. */
export interface Delays {
  flights: number
  minutes: number
}

/** What the group computes: delays by airport and by the hour of departure. */
export class DelayTable {
  readonly airports = new Map<string, Delays>()
  readonly hours = new Map<number, Delays>()

  add({ origin, timestamp, delay }: { origin: string; timestamp: number; delay: number }): void {
    count(this.airports, origin, delay)
    count(this.hours, new Date(timestamp).getUTCHours(), delay)
  }
}

function count<K>(table: Map<K, Delays>, key: K, delay: number): void {
  const found = table.get(key)
  if (found === undefined) table.set(key, { flights: 1, minutes: delay })
  else {
    found.flights++
    found.minutes += delay
  }
}

export function averageOf({ flights, minutes }: Delays): number {
  return minutes / flights
}
