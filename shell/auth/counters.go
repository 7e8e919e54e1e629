package auth

import "sync/atomic"

// Counters count what a Verifier and a Remote do. They outlive both, so that a reload starts no metric anew.
type Counters struct {
	Lookups   atomic.Int64 // tokens looked up in the cache
	Hits      atomic.Int64 // tokens found there
	Evictions atomic.Int64 // tokens that made room for others

	Fetches  atomic.Int64 // key sets fetched
	Failures atomic.Int64 // attempts to fetch one that failed
	Fetched  atomic.Int64 // when the last one was fetched, in seconds since 1970; 0 for never
	Keys     atomic.Int64 // usable keys in it
}
