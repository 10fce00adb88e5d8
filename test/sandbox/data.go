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
	if err := s.readTables(); err != nil {
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

// Save writes tables and finished labels to the folder of Options.Data. Tables are
// written first: a label never outlives its rows.
func (s *Sandbox) Save() error {
	if s.folder == nil {
		return errors.New("there is no data folder to save to")
	}
	s.saving.Lock()
	defer s.saving.Unlock()
	if err := s.writeTables(); err != nil {
		return err
	}
	return s.folder.Write(labelsFile, s.Load.Ledger().Save())
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

// tableKeeper is a store that can write and read all that is in it.
type tableKeeper interface {
	Save(dir string) error
	Load(dir string) error
}

func (s *Sandbox) keeper() (tableKeeper, error) {
	if k, ok := any(s.Store).(tableKeeper); ok {
		return k, nil
	}
	return nil, errors.New("tables cannot be kept in a folder")
}

func (s *Sandbox) readTables() error {
	k, err := s.keeper()
	if err != nil {
		return err
	}
	return k.Load(s.folder.Path(tablesFile))
}

func (s *Sandbox) writeTables() error {
	k, err := s.keeper()
	if err != nil {
		return err
	}
	return k.Save(s.folder.Path(tablesFile))
}
