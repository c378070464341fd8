export { MemoryMachine } from '../lock/memory-machine.ts'
export { plant, plantedBugs, type PlantedBug } from './planted-bugs.ts'
export { FakeMachine } from './fake-machine.ts'
