package api

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/job"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// ResumeJobs goes on with what processes before this one have left, or says that it was
// broken off. It is called before the first request.
func (a *API) ResumeJobs(ctx context.Context) error {
	if err := a.journal.beat(ctx); err != nil {
		return err
	}
	mine, err := a.journal.takeOver(ctx)
	if err != nil {
		return err
	}
	for _, rec := range mine {
		if err := a.resume(ctx, rec); err != nil {
			a.log.ErrorContext(ctx, "a job that was begun before could not be gone on with", "job", rec.ID, "type", rec.Kind, "err", err)
			over := rec.job()
			over.State, over.Err, over.Over = job.Failed, err, a.clock()
			if err := a.journal.Save(ctx, over); err != nil {
				return err
			}
		}
	}
	return nil
}

// KeepJobs does the same from time to time, until the context ends: for processes that
// share data, and to forget what ended long ago.
func (a *API) KeepJobs(ctx context.Context) {
	ticker := time.NewTicker(jobBeat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := a.ResumeJobs(ctx); err != nil && ctx.Err() == nil {
			a.log.ErrorContext(ctx, "jobs of other processes could not be looked at; trying again", "err", err)
		}
	}
}

// deletionKind is the kind of jobs that delete.
const deletionKind = "delete"

// deletionJob is what a process needs to delete what another was asked to.
type deletionJob struct {
	Type      string    `json:"type"`
	ID        entity.ID `json:"id"`
	Hard      bool      `json:"hard,omitzero"`
	Recursive bool      `json:"recursive,omitzero"`
	Base      string    `json:"base,omitzero"` // of links in the answer
	// Who asked: the rights are asked for anew when it is done.
	User   entity.ID `json:"user"`
	Name   string    `json:"name"`
	Bot    string    `json:"bot,omitzero"`
	Token  string    `json:"token,omitzero"`
	ByABot bool      `json:"byABot,omitzero"`

	by      entity.Principal
	resumed bool
}

func (d *deletionJob) spec() ([]byte, error) {
	d.User, d.Name, d.Bot, d.Token, d.ByABot = d.by.UserID, d.by.Name, d.by.Bot, d.by.TokenType, d.by.IsBot
	return encoded(d)
}

// resume begins a job anew that another process has left.
func (a *API) resume(ctx context.Context, rec jobRecord) error {
	if rec.Kind != deletionKind {
		return job.Interrupted(nil) // of a version that could do more
	}
	var d deletionJob
	if err := json.Unmarshal(rec.Spec, &d); err != nil {
		return entity.Internal(err)
	}
	t, ok := a.engine.Registry().ByName(d.Type)
	if !ok {
		return entity.NotFound("entity type", d.Type)
	}
	d.by = entity.Principal{UserID: d.User, Name: d.Name, Bot: d.Bot, TokenType: d.Token, IsBot: d.ByABot}
	d.resumed = true
	a.log.InfoContext(ctx, "going on with a job that was begun before", "job", rec.ID, "type", rec.Kind)
	_, err := a.jobs.Start(ctx, job.Order{ID: rec.ID, Began: time.UnixMilli(rec.Began), Owner: rec.Owner, Kind: rec.Kind, Spec: rec.Spec, Work: a.deletionWork(t, d)})
	return err
}

// deletionWork deletes. One that is gone on with waits for the steps that the engine goes
// on with by itself, and is done when there is nothing left to delete.
func (a *API) deletionWork(t *registry.Type, d deletionJob) job.Work {
	return func(ctx context.Context, tell job.Progress) (job.Result, error) {
		if d.resumed {
			if err := a.settled(ctx); err != nil {
				return job.Result{}, err
			}
		}
		opts := engine.DeleteOptions{Hard: d.Hard, Recursive: d.Recursive, Progress: tell}
		result, err := a.engine.Delete(ctx, d.by, t, engine.ByID(d.ID), opts, engine.View{Base: d.Base})
		if d.resumed && missing(err) {
			return job.Result{}, nil
		}
		if err != nil {
			return job.Result{}, err
		}
		raw, err := engine.Encode(result.Entity)
		if err != nil {
			return job.Result{}, entity.Internal(err)
		}
		return job.Result{Media: "application/json", Body: raw}, nil
	}
}

// settled waits until the engine is done with what it deletes or restores in steps.
func (a *API) settled(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		a.engine.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
