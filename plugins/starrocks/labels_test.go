package starrocks

import (
	"testing"

	"github.com/gx-etl/gx/plugins/starrocks/streamload"
)

// A lane that is opened again goes on with its labels: a label that comes back would say of new rows that they have landed.
func TestLabelsOfALaneThatBeginsAgain(t *testing.T) {
	w := &Writer{stops: map[int]func(){}, labels: map[int]*streamload.Labels{}}
	w.info.Job, w.info.Run = "job", "r1"
	seen := map[string]bool{}
	for stream := range 3 {
		for number := range 2 {
			labels, leave, err := w.enter(number, func() {})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if label := labels.Next(); seen[label] {
					t.Errorf("stream %d of lane %d was given %s again", stream, number, label)
				} else {
					seen[label] = true
				}
			}
			leave()
		}
	}
}
