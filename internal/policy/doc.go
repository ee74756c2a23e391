// Package policy decides who may do what. It holds the words of that decision
// (operations, rules, policies, what is known of a caller and of the thing acted
// on), the language of conditions, and one function, Decide, that every door of
// the server asks. It is pure: callers bring the facts, nothing is looked up.
//
// The package may import entity and nothing else of ours.
//
// # How a decision is made
//
// An administrator may do everything. For everybody else, bots included, the
// rules that reached the caller are read, together with those of the teams that
// own the resource: a matching deny rule refuses, and every operation asked for
// needs a matching allow rule. A rule matches when it names the resource type
// (or all), covers the operation, and its condition, if any, holds.
//
// # Conditions
//
// A condition is text in a closed language; it is parsed to a tree and never
// handed to a general evaluator. The grammar, with keywords in any case:
//
//	condition = or
//	or        = and { ("||" | "or") and }
//	and       = equal { ("&&" | "and") equal }
//	equal     = unary [ "==" ("true" | "false") ]
//	unary     = { "!" | "not" } ( "(" or ")" | call )
//	call      = function "(" [ string { "," string } ] ")"
//	string    = "'" { any character but "'" | "''" } "'"
//	          | `"` { any character but `"` | `""` } `"`
//
// The functions are those of Functions: isOwner, isReviewer, noOwner, hasDomain,
// noDomain and matchTeam take no argument; hasAnyRole, inAnyTeam, matchAllTags,
// matchAnyTag and matchAnyCertification take one or more names. A condition has
// at most MaxConditionLength bytes and parentheses at most MaxConditionDepth deep.
package policy
