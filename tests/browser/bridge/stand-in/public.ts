// Types for standing in for classes that have private members, which nobody else can implement.

/** What a type lets everybody see. */
export type Public<Type> = Pick<Type, keyof Type>;

/**
 * Gives what stands in for some members of a type as that type; the others are not there, so that
 * whoever uses them fails.
 */
export function standsIn<Type, Members extends keyof Type>(standIn: Pick<Type, Members>): Type {
  return standIn as Type;
}
