package change

import (
	"strconv"
	"time"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/project"
)

// documents makes images of what stands in an envelope of MongoDB: texts that hold a document in extended JSON. A document
// that was deleted is told by the key {"id"}, a text too.
func (f *debezium) documents(d *Decoder, im *images) (err error) {
	f.text = f.text[:0]
	if im.after, err = f.document(im.after); err != nil {
		return err
	}
	if d.event.action == upsert && (im.after == nil || im.after[0] == 'n') {
		return decode.Refusef("operation %s has no document after it: set capture.mode of the connector to one that sends whole documents", d.event.name)
	}
	var id []byte
	if d.event.action == remove && im.before[0] == '{' {
		d.members = project.Members(im.before, d.members[:0])
		id = member(d.members, []byte(`"id"`))
	}
	if id != nil {
		from := len(f.text)
		f.text = append(f.text, `{"_id":`...)
		start := len(f.text)
		if f.text = plain(f.text, id); project.Value(f.text[start:]) != nil {
			f.text = append(f.text[:start], id...)
		}
		f.text = append(f.text, '}')
		im.before = f.text[from:]
	} else if im.before, err = f.document(im.before); err != nil {
		return err
	}
	d.event.shape = f.extended
	return nil
}

func (f *debezium) document(token []byte) ([]byte, error) {
	if token == nil || token[0] != '"' {
		return token, nil
	}
	from := len(f.text)
	f.text = plain(f.text, token)
	if err := project.Check(f.text[from:]); err != nil {
		return nil, decode.Refusef("the document in the image: %s", err)
	}
	return f.text[from:len(f.text):len(f.text)], nil
}

// extended writes a value of extended JSON: {"$oid"}, {"$date"}, {"$numberLong"} and others become the value that they are.
// Within lists and documents they stay.
func (d *Decoder) extended(dst, token []byte) (_ []byte, anew bool, reason string) {
	if token[0] != '{' {
		return dst, false, ""
	}
	var few [2]project.Member
	all := project.Members(token, few[:0])
	if len(all) != 1 || len(all[0].Key) < 2 || all[0].Key[1] != '$' {
		return dst, false, ""
	}
	v := all[0].Value
	ok := false
	switch string(all[0].Key[1 : len(all[0].Key)-1]) {
	case "$oid", "$symbol", "$uuid":
		dst, ok = append(dst, v...), v[0] == '"'
	case "$numberLong", "$numberInt", "$numberDouble", "$numberDecimal":
		d.plain = plain(d.plain[:0], v)
		if dst, ok = append(dst, d.plain...), project.Value(d.plain) == nil && d.plain[0] != '"'; !ok {
			return dst[:len(dst)-len(d.plain)], false, string(clip(token)) + " is no number that can be written"
		}
	case "$date":
		dst, ok = d.mongoDate(dst, v)
	default:
		return dst, false, ""
	}
	if !ok {
		return dst, false, string(clip(token)) + " is no value of MongoDB that can be written"
	}
	return dst, true, ""
}

// mongoDate writes milliseconds, {"$numberLong"} of them, or a text.
func (d *Decoder) mongoDate(dst, v []byte) ([]byte, bool) {
	if v[0] == '{' {
		var few [2]project.Member
		all := project.Members(v, few[:0])
		if len(all) != 1 || string(all[0].Key) != `"$numberLong"` {
			return dst, false
		}
		v = all[0].Value
	}
	text := v
	if v[0] == '"' {
		d.plain = plain(d.plain[:0], v)
		text = d.plain
	}
	if ms, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return d.Style.Instant(dst, ms, 1e3)
	}
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return dst, false
	}
	return d.Style.Seconds(dst, t.Unix(), int64(t.Nanosecond()))
}
