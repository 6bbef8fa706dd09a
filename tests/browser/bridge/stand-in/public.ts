// Types for stand-ins of classes with private members, which no other class can implement.

/** The public members of a type. */
export type Public<Type> = Pick<Type, keyof Type>;

/**
 * Returns a stand-in with some members of a type as that type. Access to the missing members
 * fails.
 */
export function standsIn<Type, Members extends keyof Type>(standIn: Pick<Type, Members>): Type {
  return standIn as Type;
}
