package project

// Items validates that doc is exactly one JSON array in UTF-8 and appends its elements, as they are written there, to dst.
// The error is an *Error.
func Items(doc []byte, dst [][]byte) ([][]byte, error) {
	s := scanner{doc: doc}
	i := s.space(0)
	if i == len(doc) || doc[i] != '[' {
		if i == len(doc) {
			return dst, &Error{At: i, What: "invalid JSON: nothing but white space"}
		}
		if end := s.value(i, 0); end < 0 {
			return dst, s.err()
		}
		return dst, &Error{At: i, What: "not a JSON array but " + nameOf(doc[i])}
	}
	i = s.space(i + 1)
	if i < len(doc) && doc[i] == ']' {
		return dst, closeDocument(&s, i+1)
	}
	start := len(dst)
	for {
		from := i
		if i = s.value(i, 1); i < 0 {
			return dst[:start], s.err()
		}
		dst = append(dst, doc[from:i:i])
		more, next := s.next(i, ']')
		if !more {
			if err := closeDocument(&s, next); err != nil {
				return dst[:start], err
			}
			return dst, nil
		}
		i = next
	}
}

// Member is one member of an object, as it is written there.
type Member struct {
	Key   []byte // with its quotes
	Value []byte
}

// Members appends the members of doc, which was found to be a valid JSON object, to dst.
func Members(doc []byte, dst []Member) []Member {
	s := scanner{doc: doc}
	i := s.space(s.space(0) + 1)
	if doc[i] == '}' {
		return dst
	}
	for more := true; more; {
		var m Member
		from := i
		i = s.text(i)
		m.Key = doc[from:i:i]
		from = s.colon(i)
		i = s.value(from, 1)
		m.Value = doc[from:i:i]
		dst = append(dst, m)
		more, i = s.next(i, '}')
	}
	return dst
}

// Value validates that doc is exactly one JSON value of any kind in UTF-8. The error is an *Error.
func Value(doc []byte) error {
	s := scanner{doc: doc}
	i := s.space(0)
	if i == len(doc) {
		return &Error{At: i, What: "invalid JSON: nothing but white space"}
	}
	return closeDocument(&s, s.value(i, 0))
}
