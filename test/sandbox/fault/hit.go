package fault

// Hit is Show for a Stream Load, by its table and label.
func (s *Set) Hit(kind Kind, at, table, label string) *Fault {
	info, _ := Describe(kind)
	return s.Show(kind, Event{Node: Node{Role: info.Role}, Op: StreamLoad, At: at, Table: table, Label: label, Redirected: true, Committed: true})
}
