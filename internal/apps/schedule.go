package apps

import (
	"context"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// Schedule says when an application runs by itself; times are UTC.
type Schedule struct {
	Timeline string `json:"scheduleTimeline"`
	Cron     string `json:"cronExpression,omitzero"`
}

// timelines are the schedules that need no expression.
func timelines() map[string]string {
	return map[string]string{"Hourly": "0 * * * *", "Daily": "0 0 * * *", "Weekly": "0 0 * * 0", "Monthly": "0 0 1 * *"}
}

// maxCron bounds an expression; the longest sensible one is far shorter.
const maxCron = 200

// times returns when the schedule is due; nil for never.
func (s *Schedule) times() (cron.Schedule, error) {
	if s == nil || s.Timeline == "None" || s.Timeline == "" {
		return nil, nil
	}
	text := s.Cron
	if text == "" {
		text = timelines()[s.Timeline]
	}
	if text == "" {
		return nil, entity.BadRequest("a schedule of the timeline %s needs a cronExpression", entity.Shorten(s.Timeline, 40))
	}
	if len(text) > maxCron {
		return nil, entity.BadRequest("the cronExpression is longer than %d characters", maxCron)
	}
	if strings.ContainsAny(text, "=@") { // time zones and names, which the parser knows besides
		return nil, badCron(text)
	}
	times, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(text)
	if err != nil {
		return nil, badCron(text)
	}
	return times, nil
}

func badCron(text string) error {
	return entity.BadRequest("%q is no cronExpression: five fields are wanted, minute, hour, day of the month, month and day of the week", entity.Shorten(text, 100))
}

// Next returns when the schedule is due after a time; zero for never.
func (s *Schedule) Next(after time.Time) (time.Time, error) {
	times, err := s.times()
	if err != nil || times == nil {
		return time.Time{}, err
	}
	return times.Next(after.UTC()), nil
}

// look is how often schedules are looked at.
const look = 20 * time.Second

// Keep starts applications when they are due, until the context ends; then it stops
// what runs. list returns those that are installed.
func (r *Runner) Keep(ctx context.Context, list func(context.Context) ([]App, error)) {
	defer r.Close()
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	since := r.clock()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			now := r.clock()
			r.startDue(ctx, list, since, now)
			since = now
		}
	}
}

// startDue starts what was due after since and is by now.
func (r *Runner) startDue(ctx context.Context, list func(context.Context) ([]App, error), since, now time.Time) {
	installed, err := list(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.log.Error("the schedules of applications could not be read", "error", err)
		}
		return
	}
	for _, app := range installed {
		due, err := app.Schedule.Next(since)
		if err != nil || due.IsZero() || due.After(now) {
			continue // what is wrong with a schedule, its own route says
		}
		last, _, err := r.List(ctx, app.ID, timeseries.Query{Limit: 1})
		if err == nil && len(last) > 0 && last[0].Start >= due.UnixMilli() {
			continue // a server that shares the store was first
		}
		if _, err := r.Start(ctx, app, "Scheduled"); err != nil {
			r.log.Warn("an application that was due did not start", "app", app.Name, "error", err)
		}
	}
}
