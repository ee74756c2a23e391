package server

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/doctor"
)

// pipe is a log target that breaks and is mended.
type pipe struct{ broken bool }

func (p *pipe) Write(data []byte) (int, error) {
	if p.broken {
		return 0, io.ErrClosedPipe
	}
	return len(data), nil
}

// TestF12LogTargetDown raises the alarm at the doctor, for as long as it lasts.
func TestF12LogTargetDown(t *testing.T) {
	to := new(pipe)
	target := &logTarget{to: to}
	log := newLogger(&config.Config{}, target)
	a := &assembly{log: target}
	var audit time.Time
	status := func() map[string]doctor.Status {
		p := doctor.Patient{Recording: func() (time.Time, time.Time) { return audit, a.log.since() }}
		found := map[string]doctor.Status{}
		for _, c := range doctor.Examine(t.Context(), p, doctor.AreaData).Checks {
			found[c.Name] = c.Status
			if (c.Status == doctor.Fine) != (c.Remedy == "") {
				t.Errorf("%s: %s and the remedy %q", c.Name, c.Status, c.Remedy)
			}
		}
		return found
	}
	log.Info("fine")
	if s := status(); s["log"] != doctor.Fine || s["audit trail"] != doctor.Fine {
		t.Errorf("%v", s)
	}
	to.broken = true
	log.Info("lost")
	first := target.since()
	log.Info("lost")
	if s := status(); s["log"] != doctor.Wrong || s["audit trail"] != doctor.Fine || !target.since().Equal(first) {
		t.Errorf("%v", s)
	}
	audit = time.Now()
	if s := status(); s["audit trail"] != doctor.Wrong {
		t.Errorf("%v", s)
	}
	to.broken = false
	log.Info("fine")
	if s := status(); s["log"] != doctor.Fine {
		t.Errorf("%v", s)
	}
	if _, err := (&logTarget{to: &pipe{broken: true}}).Write(nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v", err)
	}
}
