package store

import (
	"fmt"
	"math"
)

// Quota bounds a database. Replicas is only kept: there is one of every tablet here.
type Quota struct {
	Data     int64 // bytes
	Replicas int64
}

// NoQuota is what a database has until it gets another.
var NoQuota = Quota{Data: math.MaxInt64, Replicas: math.MaxInt64}

// Quota returns the bounds of a database.
func (s *Store) Quota(db string) Quota {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if q, ok := s.quotas[db]; ok {
		return q
	}
	return NoQuota
}

// SetQuota bounds a database; the error is an *UnknownDatabase.
func (s *Store) SetQuota(db string, q Quota) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.databases[db] == nil {
		return &UnknownDatabase{Database: db}
	}
	if s.quotas == nil {
		s.quotas = map[string]Quota{}
	}
	s.quotas[db] = q
	return nil
}

// CheckQuota says whether more may be written to a database. Servers look at it when a
// transaction begins, so that the last one may go far beyond. The error is inWords.
func (s *Store) CheckQuota(db string) error {
	q := s.Quota(db)
	if q.Data == math.MaxInt64 || s.DataSize(db) < q.Data {
		return nil
	}
	return inWords("Database[%s] data size exceeds quota[%s]", db, SizeText(q.Data))
}

// DataSize returns the bytes that the tables of a database hold.
func (s *Store) DataSize(db string) (bytes int64) {
	s.mu.RLock()
	var tables []*Table
	for _, t := range s.databases[db] {
		tables = append(tables, t)
	}
	s.mu.RUnlock()
	for _, t := range tables {
		for _, p := range t.Partitions() {
			bytes += p.Bytes
		}
	}
	return bytes
}

// SizeText is a size with three decimals and a unit up to TB, as servers show it: zero
// has none.
func SizeText(bytes int64) string {
	if bytes == 0 {
		return "0.000 "
	}
	units := []string{"B", "KB", "MB", "GB", "TB"}
	v, u := float64(bytes), 0
	for v >= 1024 && u < len(units)-1 {
		v, u = v/1024, u+1
	}
	return fmt.Sprintf("%.3f %s", v, units[u])
}
