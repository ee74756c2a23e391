// Package alert knows what event subscriptions say: what they watch, which filters
// there are, whom they tell and when. It completes and checks them as they are
// written, and judges whether an event is one that a subscription asks for.
//
// Everything here is pure; package notify sends. It may import entity and policy.
package alert
