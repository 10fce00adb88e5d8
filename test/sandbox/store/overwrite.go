package store

import "slices"

// Overwrite makes the rows of b, and nothing else, what the named partitions hold,
// or what the whole table holds without names. It happens at once, as a commit
// does, and fails as one.
func (t *Table) Overwrite(b *Batch, partitions []string) error {
	t.advance()
	if err := t.fits(b); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.ready(b); err != nil {
		return err
	}
	for _, p := range t.standing() {
		if partitions == nil || slices.Contains(partitions, p.name) {
			p.empty()
		}
	}
	t.apply(b)
	return nil
}
