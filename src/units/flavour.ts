/**
 * A number with a unit that the compiler knows. A plain literal may become a `Unit`; two different units never mix.
 * The tag is optional, so it costs nothing at run time and needs no constructor.
 */
export type Unit<Base, Name extends string> = Base & { readonly __unit?: Name }
