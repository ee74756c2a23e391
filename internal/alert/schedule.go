package alert

import (
	"strconv"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// The kinds of schedules. All of them go by UTC.
const (
	scheduled = "Scheduled"
	daily     = "Daily"
	weekly    = "Weekly"
	monthly   = "Monthly"
	custom    = "Custom"
)

// Scheduled tells whether the alert waits for its time.
func (t Trigger) Scheduled() bool { return t.Kind == scheduled }

// cron is the schedule as a cron expression.
func (t Trigger) cron() string {
	switch t.Schedule {
	case daily:
		return "0 0 * * *"
	case monthly:
		return "0 0 1 * *"
	case custom:
		return t.Cron
	}
	return "0 0 * * 1" // weekly, also when nothing is said
}

func (t Trigger) check() error {
	if !t.Scheduled() {
		return nil
	}
	_, err := parseCron(t.cron())
	return err
}

// Next is the first time of the schedule after now, the zero time for none.
func (t Trigger) Next(now time.Time) time.Time {
	times, err := parseCron(t.cron())
	if err != nil {
		return time.Time{} // stored before schedules were checked
	}
	return times.after(now)
}

// cronTimes are the minutes, hours, days of a month, months and days of a week, as
// bits, at which a schedule comes due.
type cronTimes struct {
	fields             [5]uint64
	anyDay, anyWeekday bool
}

// cronBounds are the least and greatest values of the fields; 7 is Sunday, as 0 is.
func cronBounds() [5][2]int { return [5][2]int{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 7}} }

// parseCron reads the five fields of a cron expression: numbers, lists, ranges, steps
// and *. Names of days and months are not among them.
func parseCron(text string) (cronTimes, error) {
	var c cronTimes
	parts := strings.Fields(text)
	if len(parts) != len(c.fields) || len(text) > 200 {
		return c, entity.BadRequest("cronExpression must have five fields: minute, hour, day of month, month, day of week; such as \"0 7 * * 1\"")
	}
	bounds := cronBounds()
	for i, part := range parts {
		part = strings.ReplaceAll(part, "?", "*")
		parts[i] = part
		for item := range strings.SplitSeq(part, ",") {
			bits, ok := cronItem(item, bounds[i])
			if !ok {
				return c, entity.BadRequest("cronExpression: %q is no list of numbers from %d to %d", entity.Shorten(part, 40), bounds[i][0], bounds[i][1])
			}
			c.fields[i] |= bits
		}
	}
	c.anyDay, c.anyWeekday = strings.HasPrefix(parts[2], "*"), strings.HasPrefix(parts[4], "*")
	if c.fields[4]&(1<<7) != 0 {
		c.fields[4] |= 1
	}
	if c.after(time.Unix(0, 0)).IsZero() {
		return c, entity.BadRequest("cronExpression %q never comes due", entity.Shorten(text, 60))
	}
	return c, nil
}

func cronItem(item string, bound [2]int) (uint64, bool) {
	item, stepText, stepped := strings.Cut(item, "/")
	step := 1
	if stepped {
		var err error
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 || step > 60 {
			return 0, false
		}
	}
	low, high := bound[0], bound[1]
	if item != "*" {
		from, to, ranged := strings.Cut(item, "-")
		var err error
		if low, err = strconv.Atoi(from); err != nil {
			return 0, false
		}
		switch {
		case ranged:
			if high, err = strconv.Atoi(to); err != nil {
				return 0, false
			}
		case !stepped:
			high = low
		}
	}
	if low < bound[0] || high > bound[1] || low > high {
		return 0, false
	}
	var bits uint64
	for n := low; n <= high; n += step {
		bits |= 1 << n
	}
	return bits, true
}

func (c cronTimes) has(field, n int) bool { return c.fields[field]&(1<<n) != 0 }

// day tells whether the schedule has the day. Days of the month and of the week are
// alternatives when both are named, as in every cron.
func (c cronTimes) day(t time.Time) bool {
	month, week := c.has(2, t.Day()), c.has(4, int(t.Weekday()))
	if !c.anyDay && !c.anyWeekday {
		return month || week
	}
	return month && week
}

// after looks for the next time, within the nine years that 29 February may take.
func (c cronTimes) after(now time.Time) time.Time {
	t := now.UTC().Truncate(time.Minute).Add(time.Minute)
	for end := t.AddDate(9, 0, 0); t.Before(end); {
		switch {
		case !c.has(3, int(t.Month())):
			t = time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		case !c.day(t):
			t = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC)
		case !c.has(1, t.Hour()):
			t = t.Truncate(time.Hour).Add(time.Hour)
		case !c.has(0, t.Minute()):
			t = t.Add(time.Minute)
		default:
			return t
		}
	}
	return time.Time{}
}
