/** What an option may be: `option.withDefault(option.integer({ min: 1 }), 5)`. */
export {
  anything,
  boolean,
  field,
  func,
  having,
  integer,
  listOf,
  number,
  oneOf,
  optional,
  string,
  withDefault,
} from './fields.ts'
