package auth

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	fetchPause = 30 * time.Second // least time between two fetches
	fetchMost  = 24 * time.Hour   // most time between two fetches
	firstRetry = time.Second      // pause after a failure; it doubles up to fetchPause
)

// RemoteOptions say where keys come from.
type RemoteOptions struct {
	URL      string                        // of a key set or an issuer; CheckURL has found nothing wrong with it
	Pause    time.Duration                 // least time between two fetches; 0 means 30 seconds
	Log      func(format string, a ...any) // called for successes that change something, and for failures; may be nil
	Counters *Counters                     // may be nil
}

// Remote has the keys of an issuer. They are fetched again when their cache headers say so, at most once a day, and
// when a token comes with a kid that none of them has. While that fails the last ones stay. Safe for concurrent use.
type Remote struct {
	options RemoteOptions
	issuer  *issuer
	keys    atomic.Pointer[Keys]
	wake    chan struct{}
	stop    context.CancelFunc
	stopped chan struct{}

	mutex   sync.Mutex
	running chan struct{} // closed when the fetch that runs or is about to has ended; nil without one
	ended   time.Time     // when the last one has ended
}

// NewRemote makes a Remote without keys. Start has them fetched.
func NewRemote(options RemoteOptions) (*Remote, error) {
	options.Pause = cmp.Or(options.Pause, fetchPause)
	options.Counters = cmp.Or(options.Counters, new(Counters))
	if options.Log == nil {
		options.Log = func(string, ...any) {}
	}
	issuer, err := newIssuer(options.URL)
	if err != nil {
		return nil, err
	}
	return &Remote{options: options, issuer: issuer, wake: make(chan struct{}, 1), stopped: make(chan struct{})}, nil
}

// URL returns the address that the keys come from.
func (r *Remote) URL() string { return r.options.URL }

// Keys returns the keys, nil while there are none. The same keys are the same pointer.
func (r *Remote) Keys() *Keys { return r.keys.Load() }

// Start has the keys fetched until Stop is called. It does not wait for them.
func (r *Remote) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go r.run(ctx)
}

// Stop ends what Start began.
func (r *Remote) Stop() {
	r.stop()
	<-r.stopped
}

func (r *Remote) run(ctx context.Context) {
	defer close(r.stopped)
	retry := firstRetry
	for {
		pause, err := r.fetch(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			pause = min(retry, r.options.Pause)
			retry = min(2*retry, fetchPause)
			r.options.Log("The keys of jwt-secret could not be fetched: %v; trying again in %s", err, pause)
		} else {
			retry = firstRetry
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		case <-r.wake:
		}
	}
}

// fetch gets the keys once and returns when to do it again.
func (r *Remote) fetch(ctx context.Context) (time.Duration, error) {
	r.mutex.Lock()
	if r.running == nil {
		r.running = make(chan struct{})
	}
	select {
	case <-r.wake: // this fetch is the one that was asked for
	default:
	}
	r.mutex.Unlock()
	defer func() {
		r.mutex.Lock()
		close(r.running)
		r.running, r.ended = nil, time.Now()
		r.mutex.Unlock()
	}()
	keys, fresh, err := r.issuer.fetch(ctx)
	if err != nil {
		r.options.Counters.Failures.Add(1)
		return 0, err
	}
	r.options.Counters.Fetches.Add(1)
	r.options.Counters.Fetched.Store(time.Now().Unix())
	if old := r.keys.Load(); old == nil || old.source != keys.source {
		r.keys.Store(keys)
		r.options.Counters.Keys.Store(int64(len(keys.keys)))
		r.options.Log("%d keys fetched for jwt-secret", len(keys.keys))
	}
	return min(max(fresh, r.options.Pause), fetchMost), nil
}

// Renew has the keys fetched again, unless that was done a moment ago, and waits for that: at most a fetch's timeout.
func (r *Remote) Renew() {
	r.mutex.Lock()
	running := r.running
	if running == nil && time.Since(r.ended) >= r.options.Pause {
		running = make(chan struct{})
		r.running = running
		r.wake <- struct{}{} // has room: each fetch takes out what was put in before it
	}
	r.mutex.Unlock()
	if running == nil {
		return
	}
	select {
	case <-running:
	case <-r.stopped:
	}
}
