package host

import (
	"bytes"
	"strings"
	"sync"
)

// tail forwards a plugin's standard error line by line and keeps the last one.
type tail struct {
	name string
	log  func(plugin, line string)

	mu   sync.Mutex // guards the following
	part []byte
	end  string
}

func (t *tail) Write(b []byte) (int, error) {
	const longest = 8 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.part = append(t.part, b...)
	for {
		i := bytes.IndexByte(t.part, '\n')
		if i < 0 && len(t.part) > longest {
			i = longest - 1
		}
		if i < 0 {
			return len(b), nil
		}
		if line := strings.TrimSpace(string(t.part[:i+1])); line != "" {
			t.end = line
			if t.log != nil {
				t.log(t.name, line)
			}
		}
		t.part = append(t.part[:0], t.part[i+1:]...)
	}
}

func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := strings.TrimSpace(string(t.part)); s != "" {
		return s
	}
	return t.end
}
