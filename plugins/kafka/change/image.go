package change

import (
	"bytes"
	"slices"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/project"
	"github.com/gx-etl/gx/plugins/protocol"
)

// image makes the rows of one changed row: an upsert or a delete, or both when its key changed.
func (d *Decoder) image(im *images) error {
	if d.event.action == remove {
		return d.give(im.before, nil, true)
	}
	switch {
	case im.after == nil || im.after[0] == 'n':
		return decode.Refusef("operation %s has no image of the row after it", d.event.name)
	case im.before != nil && im.before[0] == '{' && (d.Before || d.moved(im)):
		under := im.after
		if !im.partial {
			under = nil
		}
		if err := d.give(im.before, under, true); err != nil {
			return err
		}
	}
	var under []byte
	if im.merge && im.before != nil && im.before[0] == '{' {
		under = im.before
	}
	return d.give(im.after, under, false)
}

// moved tells whether the primary key is another one after an update.
func (d *Decoder) moved(im *images) bool {
	if d.Wanted.Document {
		return d.movedBySource(im)
	}
	if len(d.Keys) == 0 {
		return false
	}
	if d.keyer.Project(im.before, d.keyBefore) != nil || d.keyer.Project(im.after, d.keyAfter) != nil {
		return true // give says what is wrong
	}
	for i, before := range d.keyBefore {
		if before != nil && !bytes.Equal(before, d.keyAfter[i]) {
			return true
		}
	}
	return false
}

// movedBySource is moved where only the source's own words tell what the key is.
func (d *Decoder) movedBySource(im *images) bool {
	if d.event.keys == nil || !im.partial || im.after[0] != '{' {
		return false
	}
	names, err := project.Items(d.event.keys, nil)
	if err != nil {
		return false
	}
	d.old = project.Members(im.before, d.old[:0])
	d.members = project.Members(im.after, d.members[:0])
	for _, name := range names {
		old, now := member(d.old, name), member(d.members, name)
		if old != nil && !bytes.Equal(old, now) {
			return true
		}
	}
	return false
}

func member(all []project.Member, key []byte) []byte {
	for i := range all {
		if bytes.Equal(all[i].Key, key) {
			return all[i].Value
		}
	}
	return nil
}

// give makes a row of an image; what is missing in it is taken from under, when that is there.
func (d *Decoder) give(image, under []byte, isDelete bool) error {
	if isDelete && !d.Operations {
		switch d.OnDelete {
		case Ignore:
			return nil
		case Fail:
			return protocol.Faultf(protocol.Data, "%s, deletes cannot be applied", d.Target).At("onDelete").
				Hint(`write to a Primary Key table, where __op is 0 for an upsert and 1 for a delete, or set "onDelete": "ignore" or "append"`)
		}
	}
	if image == nil || image[0] == 'n' {
		return decode.Refusef("operation %s has no image of the row before it", d.event.name)
	}
	if image[0] != '{' {
		return decode.Refusef("operation %s: the image of the row is no JSON object", d.event.name)
	}
	if d.Wanted.Document {
		return d.document(image, under, isDelete)
	}
	n := len(d.Wanted.Paths)
	from := len(d.cells)
	d.cells = slices.Grow(d.cells, n)[:from+n]
	cells := d.cells[from:]
	if err := d.projector.Project(image, cells); err != nil {
		return decode.Refusef("the image of the row: %s", err)
	}
	if under != nil {
		if err := d.projector.Project(under, d.other); err != nil {
			return decode.Refusef("the image of the row: %s", err)
		}
		for i := range cells {
			if cells[i] == nil {
				cells[i] = d.other[i]
			}
		}
	}
	for i, token := range cells {
		if token == nil && !isDelete && d.Format == OGGJSON && string(d.event.name) == `"U"` {
			return decode.Refusef("column %s: it is in no image of the update; let the trail have all columns of updates", d.Wanted.Paths[i])
		}
		if token == nil || token[0] == 'n' {
			cells[i] = nil
			continue
		}
		var c *conversion
		if d.event.shape != nil {
			c = &d.event.shape.slots[i]
		}
		start := len(d.text)
		text, anew, reason := d.convert(d.text, c, &d.Values[i], token, isDelete)
		if d.text = text; reason != "" {
			return decode.Refusef("column %s: %s", d.Wanted.Paths[i], reason)
		}
		if anew {
			cells[i] = text[start:len(text):len(text)]
		}
	}
	for _, k := range d.Keys {
		if k.Slot < 0 || cells[k.Slot] == nil {
			return decode.Refusef("missing primary key column %s", k.Name)
		}
	}
	d.rows = append(d.rows, row{from: from, delete: isDelete})
	return nil
}

var unconverted Value

// document writes a whole image with its operation.
func (d *Decoder) document(image, under []byte, isDelete bool) error {
	start := len(d.text)
	d.members = project.Members(image, d.members[:0])
	if under != nil {
		d.old = project.Members(under, d.old[:0])
		for _, m := range d.old {
			if member(d.members, m.Key) == nil {
				d.members = append(d.members, m)
			}
		}
	}
	d.text = append(d.text, '{')
	for i, m := range d.members {
		if i > 0 {
			d.text = append(d.text, ',')
		}
		d.text = append(append(d.text, m.Key...), ':')
		var c *conversion
		if d.event.shape != nil {
			c = d.event.shape.of(i, m.Key)
		}
		if m.Value[0] == 'n' {
			c = nil
		}
		text, anew, reason := d.convert(d.text, c, &unconverted, m.Value, isDelete)
		if d.text = text; reason != "" {
			return decode.Refusef("column %s: %s", plain(nil, m.Key), reason)
		}
		if !anew {
			d.text = append(d.text, m.Value...)
		}
	}
	if d.Operations {
		if len(d.members) > 0 {
			d.text = append(d.text, ',')
		}
		op := byte('0')
		if isDelete {
			op = '1'
		}
		d.text = append(append(append(d.text, `"`+protocol.OpColumn+`":`...), op), '}')
	} else {
		d.text = append(d.text, '}')
	}
	d.rows = append(d.rows, row{doc: d.text[start:len(d.text):len(d.text)], delete: isDelete})
	return nil
}
