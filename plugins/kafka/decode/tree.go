package decode

// Node is a place in values where wanted paths go through or end. A nil Node wants nothing.
type Node struct {
	Slots []int // the cells that end here
	Keys  []Edge
	Items []Edge
	fold  bool
}

// Edge leads to the member Key of an object or to the element Index of a list.
type Edge struct {
	Key   string
	Index int
	To    *Node
}

// Tree joins the wanted paths. The whole document, when wanted, is the slot behind those of the paths.
func (w *Wanted) Tree() *Node {
	root := &Node{fold: w.Fold}
	for slot, path := range w.Paths {
		n := root
		for _, step := range path {
			edges := &n.Keys
			if step.Index >= 0 {
				edges = &n.Items
			}
			n = extend(edges, step.Key, step.Index)
		}
		n.Slots = append(n.Slots, slot)
	}
	if w.Document {
		root.Slots = append(root.Slots, len(w.Paths))
	}
	return root
}

func extend(edges *[]Edge, key string, index int) *Node {
	for _, e := range *edges {
		if e.Key == key && e.Index == index {
			return e.To
		}
	}
	to := new(Node)
	*edges = append(*edges, Edge{Key: key, Index: index, To: to})
	return to
}

// Members finds what is wanted of the members of an object whose names are known: for each of them a Node, or nil.
// A member may have other names, after its own. Each wanted key takes one member; one that is spelled the same goes before one that
// differs in case.
func (n *Node) Members(names [][]string) []*Node {
	out := make([]*Node, len(names))
	if n == nil {
		return out
	}
	for _, e := range n.Keys {
		if at := member(names, func(name string) bool { return name == e.Key }); at >= 0 {
			out[at] = join(out[at], e.To)
		} else if at := member(names, func(name string) bool { return n.fold && SameLetters(name, e.Key) }); at >= 0 {
			out[at] = join(out[at], e.To)
		}
	}
	return out
}

func member(names [][]string, is func(string) bool) int {
	for rank := 0; ; rank++ {
		more := false
		for i, all := range names {
			if rank < len(all) {
				more = true
				if is(all[rank]) {
					return i
				}
			}
		}
		if !more {
			return -1
		}
	}
}

// join makes one Node of two that fell on the same member, as the keys "id" and "ID" can.
func join(a, b *Node) *Node {
	if a == nil {
		return b
	}
	return &Node{Slots: append(append([]int(nil), a.Slots...), b.Slots...), Keys: append(append([]Edge(nil), a.Keys...), b.Keys...),
		Items: append(append([]Edge(nil), a.Items...), b.Items...)}
}

// SameLetters compares names without the case of ASCII letters.
func SameLetters(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		x, y := a[i], b[i]
		if x-'A' <= 'Z'-'A' {
			x |= 0x20
		}
		if y-'A' <= 'Z'-'A' {
			y |= 0x20
		}
		if x != y {
			return false
		}
	}
	return true
}
