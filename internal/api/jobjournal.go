package api

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/job"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Kinds of the records about jobs: one a job, and one a process that runs jobs beside
// others, by which they see that it is there.
const (
	jobKind    = "job"
	jobHostAny = "jobHost"
)

const (
	jobKept    = time.Hour        // after its end
	jobBeat    = 15 * time.Second // how often a process shows that it is there
	jobSilence = time.Minute      // after which it is not
	maxJobs    = 5000             // that are looked at, at once
)

// jobJournal keeps jobs in the store. It implements job.Journal.
type jobJournal struct {
	store  store.Store
	clock  func() time.Time
	shared bool   // other processes run jobs, too
	holder string // this process
}

func newJobJournal(st store.Store, clock func() time.Time, shared bool) *jobJournal {
	return &jobJournal{store: st, clock: clock, shared: shared, holder: entity.NewID().String()}
}

// jobRecord is a job as it is stored.
type jobRecord struct {
	ID     string         `json:"id"`
	Kind   string         `json:"kind"`
	Owner  entity.ID      `json:"owner"`
	State  job.State      `json:"state"`
	Done   int            `json:"done,omitzero"`
	Total  int            `json:"total,omitzero"`
	Began  int64          `json:"began"`
	Over   int64          `json:"over,omitzero"`
	Holder string         `json:"holder"` // the process that runs it
	Spec   jsontext.Value `json:"spec,omitzero"`
	Error  *jobError      `json:"error,omitzero"`
}

// jobError is why a job failed, as far as clients learn of it.
type jobError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Code    string `json:"code,omitzero"`
	Hint    string `json:"hint,omitzero"`
}

// Save implements job.Journal.
func (k *jobJournal) Save(ctx context.Context, j job.Job) error {
	rec := jobRecord{
		ID: j.ID, Kind: j.Kind, Owner: j.Owner, State: j.State, Done: j.Done, Total: j.Total, Began: j.Began.UnixMilli(), Holder: k.holder, Spec: j.Spec,
	}
	if !j.Over.IsZero() {
		rec.Over = j.Over.UnixMilli()
	}
	if j.Err != nil {
		rec.fail(j.Err)
	}
	return k.store.Update(ctx, func(tx store.Tx) error { return rec.put(ctx, tx) })
}

func (rec *jobRecord) fail(err error) {
	known := publicError(err)
	rec.State, rec.Error = job.Failed, &jobError{Type: typeOfKind[known.Kind], Message: known.Message, Code: known.Code, Hint: known.Hint}
}

func (rec *jobRecord) put(ctx context.Context, tx store.Tx) error {
	doc, err := encoded(rec)
	if err != nil {
		return err
	}
	return tx.PutRecord(ctx, store.Record{Kind: jobKind, Key: rec.ID, At: max(rec.Began, rec.Over), Doc: doc})
}

// job is what is known of the job without the process that runs or ran it.
func (rec *jobRecord) job() job.Job {
	j := job.Job{
		ID: rec.ID, Kind: rec.Kind, Owner: rec.Owner, State: rec.State, Done: rec.Done, Total: rec.Total, Began: time.UnixMilli(rec.Began),
		Spec: rec.Spec, Dropped: true,
	}
	if rec.Over > 0 {
		j.Over = time.UnixMilli(rec.Over)
	}
	if rec.Error != nil {
		known := &entity.Error{Message: rec.Error.Message, Code: rec.Error.Code, Hint: rec.Error.Hint}
		for kind, name := range typeOfKind {
			if name == rec.Error.Type {
				known.Kind = kind
			}
		}
		j.Err = known
	}
	return j
}

func readJob(rec store.Record) (jobRecord, error) {
	var out jobRecord
	if err := json.Unmarshal(rec.Doc, &out); err != nil {
		return out, entity.Internal(err)
	}
	return out, nil
}

// load finds a job that this process does not know, or not any more.
func (k *jobJournal) load(ctx context.Context, id string) (found job.Job, ok bool, err error) {
	err = k.store.View(ctx, func(r store.Reader) error {
		stored, err := r.Record(ctx, jobKind, "", id)
		if missing(err) {
			return nil
		}
		if err != nil {
			return err
		}
		rec, err := readJob(stored)
		if err != nil {
			return err
		}
		ok = rec.Over == 0 || rec.Over > k.clock().Add(-jobKept).UnixMilli()
		found = rec.job()
		if ok && rec.Over == 0 && rec.Spec == nil { // nobody goes on with it, unless its process is there
			there, err := k.there(ctx, r, rec.Holder)
			if err != nil {
				return err
			}
			if !there {
				found.State, found.Err, found.Over = job.Failed, job.Interrupted(nil), k.clock()
			}
		}
		return nil
	})
	return found, ok, err
}

// there tells whether a process is at work.
func (k *jobJournal) there(ctx context.Context, r store.Reader, holder string) (bool, error) {
	if holder == k.holder {
		return true, nil
	}
	if !k.shared {
		return false, nil
	}
	beat, err := r.Record(ctx, jobHostAny, "", holder)
	if missing(err) {
		return false, nil
	}
	return err == nil && beat.At > k.clock().Add(-jobSilence).UnixMilli(), err
}

// beat shows the others that this process is there.
func (k *jobJournal) beat(ctx context.Context) error {
	if !k.shared {
		return nil
	}
	return k.store.Update(ctx, func(tx store.Tx) error {
		now := k.clock()
		if _, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: jobHostAny, To: now.Add(-24 * time.Hour).UnixMilli()}); err != nil {
			return err
		}
		return tx.PutRecord(ctx, store.Record{Kind: jobHostAny, Key: k.holder, At: now.UnixMilli(), Doc: []byte("{}")})
	})
}

// takeOver ends the jobs of processes that are gone, removes those that ended long ago,
// and returns those that this process is to go on with: they are its own from now on.
func (k *jobJournal) takeOver(ctx context.Context) (mine []jobRecord, err error) {
	var left, old []string
	err = k.store.View(ctx, func(r store.Reader) error {
		left, old = nil, nil
		records, err := r.Records(ctx, store.RecordQuery{Kind: jobKind, Order: store.OldestFirst, Limit: maxJobs})
		if err != nil {
			return err
		}
		before := k.clock().Add(-jobKept).UnixMilli()
		for _, stored := range records {
			rec, err := readJob(stored)
			switch {
			case err != nil:
				return err
			case rec.Over > 0 && rec.Over < before:
				old = append(old, rec.ID)
			case rec.Over == 0 && rec.Holder != k.holder:
				left = append(left, rec.ID)
			}
		}
		return nil
	})
	if err != nil || len(left)+len(old) == 0 {
		return nil, err
	}
	err = k.store.Update(ctx, func(tx store.Tx) error {
		mine = nil
		for _, id := range old {
			if _, err := tx.DeleteRecord(ctx, jobKind, "", id); err != nil {
				return err
			}
		}
		for _, id := range left {
			rec, taken, err := k.take(ctx, tx, id)
			if err != nil {
				return err
			}
			if taken {
				mine = append(mine, rec)
			}
		}
		return nil
	})
	return mine, err
}

// take takes a job over whose process is gone: to go on with it, or to say that it was
// broken off.
func (k *jobJournal) take(ctx context.Context, tx store.Tx, id string) (rec jobRecord, mine bool, err error) {
	stored, err := tx.Record(ctx, jobKind, "", id)
	if missing(err) {
		return rec, false, nil
	}
	if err != nil {
		return rec, false, err
	}
	if rec, err = readJob(stored); err != nil || rec.Over > 0 {
		return rec, false, err
	}
	there, err := k.there(ctx, tx, rec.Holder)
	if err != nil || there {
		return rec, false, err
	}
	rec.Holder = k.holder
	if rec.Spec == nil {
		rec.Over = k.clock().UnixMilli()
		rec.fail(job.Interrupted(nil))
	} else {
		rec.State = job.Queued
	}
	return rec, rec.Spec != nil, rec.put(ctx, tx)
}
