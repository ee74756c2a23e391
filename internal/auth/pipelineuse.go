package auth

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// kindPipelineUse are the records of which token of a bot an ingestion pipeline used
// last, for who replaces the token. Their owner is the bot's user.
const kindPipelineUse = "auth-pipeline-use"

// pipelineUseLife is how long a pipeline that does not run any more is remembered.
const pipelineUseLife = 90 * 24 * time.Hour

type pipelineUseDoc struct {
	Pipeline string `json:"pipeline"`
	Token    string `json:"token"` // jti; "" for a token of another server
}

// PipelineUse says that a pipeline last ran with a token of a bot.
type PipelineUse struct {
	Pipeline entity.ID
	Token    string // id of the token
	At       time.Time
}

// NotePipeline notes, to the hour, that a pipeline reports a run with a bot's token. It
// belongs into the transaction that keeps the run. Other callers are not noted.
func (s *Service) NotePipeline(ctx context.Context, tx store.Tx, by entity.Principal, pipeline entity.ID) error {
	if by.TokenType != TypeBot || !by.IsBot || by.Bot != "" {
		return nil
	}
	doc, err := json.Marshal(pipelineUseDoc{Pipeline: pipeline.String(), Token: by.TokenID}, json.Deterministic(true))
	if err != nil {
		return entity.Internal(err)
	}
	now := s.clock()
	rec := store.Record{
		Kind: kindPipelineUse, Owner: by.UserID.String(), Key: pipeline.String() + "/" + by.UserID.String(), At: now.Truncate(usedGranularity).UnixMilli(), Doc: doc,
	}
	known, err := tx.Record(ctx, rec.Kind, rec.Owner, rec.Key)
	if err != nil && !isNotFound(err) {
		return err
	}
	if err == nil && known.At == rec.At && string(known.Doc) == string(rec.Doc) {
		return nil
	}
	if _, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: kindPipelineUse, Owner: rec.Owner, To: now.Add(-pipelineUseLife).UnixMilli()}); err != nil {
		return err
	}
	return tx.PutRecord(ctx, rec)
}

// PipelineUses lists by bot's user which pipelines used which of its tokens last.
func (s *Service) PipelineUses(ctx context.Context) (map[entity.ID][]PipelineUse, error) {
	const page = 1000
	var found map[entity.ID][]PipelineUse
	err := s.store.View(ctx, func(r store.Reader) error {
		found = make(map[entity.ID][]PipelineUse)
		after := ""
		for {
			records, err := r.Records(ctx, store.RecordQuery{Kind: kindPipelineUse, Any: true, After: after, Limit: page})
			if err != nil {
				return err
			}
			for _, rec := range records {
				after = rec.Key
				var doc pipelineUseDoc
				if err := json.Unmarshal(rec.Doc, &doc); err != nil {
					return entity.Internal(err)
				}
				user, err := entity.ParseID(rec.Owner)
				if err != nil {
					return entity.Internal(err)
				}
				pipeline, err := entity.ParseID(doc.Pipeline)
				if err != nil {
					return entity.Internal(err)
				}
				found[user] = append(found[user], PipelineUse{Pipeline: pipeline, Token: doc.Token, At: time.UnixMilli(rec.At)})
			}
			if len(records) < page {
				return nil
			}
		}
	})
	return found, err
}
