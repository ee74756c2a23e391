// Package metrics counts what a server does, in the form that Prometheus reads. It knows
// nothing of ours: others tell it what happens, and it asks functions that it is given
// for what is so at the moment. No label has values that people can choose: requests have
// the pattern of their route, refusals a code of a fixed table.
package metrics
