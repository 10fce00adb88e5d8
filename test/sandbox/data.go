package sandbox

import (
	"errors"
	"fmt"
	"time"

	"github.com/gx-etl/gx/test/sandbox/keep"
	"github.com/gx-etl/gx/test/sandbox/ledger"
)

// The files within the folder of Options.Data.
const (
	tablesFile = "tables"
	labelsFile = "labels.json"
)

// restore takes the folder and reads what is in it. The labels are for the ledger,
// once there is one.
func (s *Sandbox) restore() (*ledger.Saved, error) {
	if s.options.Data == "" {
		return nil, nil
	}
	folder, err := keep.Open(s.options.Data)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	s.folder = folder
	if err := s.Store.Load(folder.Path(tablesFile)); err != nil {
		return nil, err
	}
	var labels ledger.Saved
	there, err := folder.Read(labelsFile, &labels)
	if !there || err != nil {
		return nil, err
	}
	return &labels, nil
}

// empty says whether there is no database yet.
func (s *Sandbox) empty() bool { return len(s.Store.Databases()) == 0 }

// calmly is how often a save looks for a moment without a load in it.
const calmly = 3

// Save writes tables and finished labels to the folder of Options.Data. A save while
// loads become visible may hold rows whose label it lacks, never a label whose rows
// it lacks.
func (s *Sandbox) Save() error {
	if s.folder == nil {
		return errors.New("there is no data folder to save to")
	}
	s.saving.Lock()
	defer s.saving.Unlock()
	l := s.Load.Ledger()
	labels := l.Save()
	for try := range calmly {
		if err := s.Store.Save(s.folder.Path(tablesFile)); err != nil {
			return err
		}
		now := l.Save()
		if now.NextID == labels.NextID && len(now.Finished) == len(labels.Finished) {
			break
		}
		if try < calmly-1 {
			labels = now
		}
	}
	return s.folder.Write(labelsFile, labels)
}

// saveOften saves until the sandbox closes. What fails is told by Close.
func (s *Sandbox) saveOften(every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if err := s.Save(); err != nil {
				s.saveErr.Store(&err)
			}
		case <-s.closing:
			return
		}
	}
}
