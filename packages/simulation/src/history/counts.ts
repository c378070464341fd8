/** What histories did, to be printed: a property that was never put to the test proves nothing. */
export class HistoryCounts {
  histories = 0
  /** Calls of clients: appends, reads, creations, deletions, opens, closes. */
  operations = 0
  /** Operations of disks. */
  diskOperations = 0
  acknowledged = 0
  records = 0
  reopens = 0
  powerCuts = 0
  kills = 0
  /** Stops while a directory was being opened. */
  duringRecovery = 0
  closes = 0
  faults = 0

  add(other: HistoryCounts): void {
    for (const key of Object.keys(other) as (keyof HistoryCounts)[]) {
      if (key !== 'add' && key !== 'toJSON' && key !== 'toString') this[key] += other[key]
    }
  }

  /** As plain data, for another thread. */
  toJSON() {
    const { histories, operations, acknowledged, records, reopens, powerCuts, kills, closes, faults } = this
    return { histories, operations, acknowledged, records, reopens, powerCuts, kills, closes, faults }
  }

  toString(): string {
    const { operations, acknowledged, records, powerCuts, kills, duringRecovery, closes, reopens, faults } =
      this
    return (
      `${this.histories} histories, ${operations} client operations (${acknowledged} acknowledged appends, ` +
      `${records} records compared), ${this.diskOperations} disk operations, ${powerCuts + kills} crash points ` +
      `(${powerCuts} power cuts, ${kills} kills, ${duringRecovery} of them during recovery), ${closes} closes, ` +
      `${reopens} reopens, ${faults} faults`
    )
  }
}
