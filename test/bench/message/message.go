// Package message makes the records that the benchmarks move: JSON documents of about 190 bytes that are the same
// whenever seed and id are the same, so that any of them can be made again to compare with what arrived.
package message

import "strconv"

// Form names the shape of the documents. It changes whenever the same seed would give other bytes, because topics filled
// by an older program are kept and used again.
const Form = 1

// Fields of every document, in their order.
//
//	{"id":17,"city":"São Paulo","name":"Noor Okafor","amount":"4051.15","ts":"2026-03-01 00:00:17",
//	 "tag":{"desc":"express, signature of the receiver needed","level":1},"channel":"app","ok":false}
//
// One in eight has letters outside ASCII, one in 64 an escaped quote and a \u escape.
var (
	plainCities = []string{"New York", "Los Angeles", "Chicago", "Nairobi", "Rotterdam", "Hyderabad", "Brisbane", "Porto", "Gdynia", "Hanoi"}
	otherCities = []string{"Zürich", "São Paulo", "東京", "Київ", "القاهرة", "Malmö", "北京", "İzmir"}
	firstNames  = []string{"Noor", "Ingrid", "Tomas", "Adaeze", "Priya", "Wei", "Marta", "Johan", "Leila", "Oscar", "Yuki"}
	lastNames   = []string{"de Vries", "Okafor", "Lindqvist", "Chaudhary", "Moreira", "Nakamura", "Kowalska", "Haddad", "Brennan"}
	subjects    = []string{"second delivery attempt, left at the door", "paid by card, invoice sent by mail", "returned after two weeks, box opened",
		"gift, no invoice in the parcel please", "express, signature of the receiver needed", "picked up in the store by a neighbour"}
	odd      = []string{`customer said \"not before noon\", noted`, `caf\u00e9 next door takes it, ask there`, `tab\there and a back\\slash in the text`}
	channels = []string{"web", "app", "store", "partner"}
)

// Source makes the documents of one seed. The zero value is the source of seed 0.
type Source struct{ Seed uint64 }

// Append appends the document with this id, 0 or more, to dst.
func (s Source) Append(dst []byte, id int64) []byte {
	r := mix(s.Seed ^ mix(uint64(id)))
	city, desc := plainCities[pick(&r, len(plainCities))], subjects[pick(&r, len(subjects))]
	switch kind := pick(&r, 64); {
	case kind == 0:
		desc = odd[pick(&r, len(odd))]
	case kind <= 8:
		city = otherCities[pick(&r, len(otherCities))]
	}
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendInt(dst, id, 10)
	dst = append(dst, `,"city":"`...)
	dst = append(dst, city...)
	dst = append(dst, `","name":"`...)
	dst = append(dst, firstNames[pick(&r, len(firstNames))]...)
	dst = append(dst, ' ')
	dst = append(dst, lastNames[pick(&r, len(lastNames))]...)
	dst = append(dst, `","amount":"`...)
	cents := pick(&r, 2_000_000)
	dst = strconv.AppendInt(dst, int64(cents/100), 10)
	dst = append(dst, '.')
	dst = twoDigits(dst, cents%100)
	dst = append(dst, `","ts":"2026-03-`...)
	second := int(id % (28 * 86400))
	dst = twoDigits(dst, 1+second/86400)
	dst = append(dst, ' ')
	dst = twoDigits(dst, second%86400/3600)
	dst = append(dst, ':')
	dst = twoDigits(dst, second%3600/60)
	dst = append(dst, ':')
	dst = twoDigits(dst, second%60)
	dst = append(dst, `","tag":{"desc":"`...)
	dst = append(dst, desc...)
	dst = append(dst, `","level":`...)
	dst = strconv.AppendInt(dst, int64(pick(&r, 9)), 10)
	dst = append(dst, `},"channel":"`...)
	dst = append(dst, channels[pick(&r, len(channels))]...)
	if pick(&r, 2) == 0 {
		return append(dst, `","ok":true}`...)
	}
	return append(dst, `","ok":false}`...)
}

// mix is the step function of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// pick takes a number below n out of the state and moves it on.
func pick(state *uint64, n int) int {
	*state = mix(*state)
	return int(*state >> 33 % uint64(n))
}

func twoDigits(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }
