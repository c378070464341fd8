/** What tells one process on one machine from every other: it stands in the lock. */
export interface MachineFacts {
  /** The same as long as the machine is installed as it is; empty when unknown. */
  readonly machineId: string
  /** Another one after every start of the machine; empty when unknown. */
  readonly bootId: string
  /** The namespace in which `pid` means something; empty when unknown. */
  readonly pidNamespace: string
  readonly pid: number
  /** When the process started, in any unit: a number that was used again has another one. Empty when unknown. */
  readonly startTime: string
}

/** A socket that says, as long as it accepts, that its owner lives. */
export interface LifeSocket {
  close(): Promise<void>
}

/** The access to the operating system that the lock of a directory needs; handed in, so that tests play machines. */
export interface Machine {
  facts(): Promise<MachineFacts>
  /** When process `pid` of this pid namespace started, as in `MachineFacts`; undefined when there is none. */
  startTimeOf(pid: number): Promise<string | undefined>
  /** Listens on a socket `name` in `folder`, exclusively; undefined where the machine has no such sockets. */
  listen(folder: string, name: string): Promise<LifeSocket | undefined>
  /** Whether somebody accepts on the socket: `unknown` when that cannot be told, as when it is missing. */
  knock(folder: string, name: string): Promise<'accepted' | 'refused' | 'unknown'>
  /** Whether any process holds a POSIX lock on the file of this identity (`VfsStat.id`). */
  isFileLocked(fileId: string): Promise<boolean>
}
