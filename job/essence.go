package job

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// Essence is what decides which rows go where: a JSON object with a member for each such part of the document, under its
// path there. Secrets are masked, so that a new password makes no other job; a value that comes from ${env:…} or ${file:…} counts
// as a secret. Speed, memory, errorLimit and all else that only says how the job runs is left out.
func (j *Job) Essence() json.RawMessage {
	parts := map[string]any{}
	for _, s := range j.Steps {
		at := strings.TrimSuffix(s.Path, ".parameter")
		parts[s.Path] = j.masked(s.Parameter)
		parts[at] = map[string]any{"type": s.Type, "category": s.Category}
		if s.Plugin != nil && s.Plugin.Path != "" {
			parts[at+".plugin.path"] = s.Plugin.Path
		}
	}
	for _, t := range j.Transformers {
		parts[strings.TrimSuffix(t.Path, ".parameter")+".name"] = t.Name
		parts[t.Path] = j.masked(t.Parameter)
	}
	if j.Setting.Guarantee != "" {
		parts[j.SettingPath("deliveryGuarantee")] = j.Setting.Guarantee
	}
	if j.Setting.Column != nil && len(j.Transformers) > 0 { // which alone see dates as text
		parts["common.column"] = j.Setting.Column
	}
	out, err := json.Marshal(parts)
	if err != nil {
		panic(err) // Values and texts always encode
	}
	return out
}

// EssenceOf is the part of Essence that a step has.
func (j *Job) EssenceOf(c Category) json.RawMessage {
	only := *j
	only.Transformers, only.Setting = nil, Setting{}
	only.Steps = slices.DeleteFunc(slices.Clone(j.Steps), func(s Step) bool { return s.Category != c })
	return only.Essence()
}

// masked shows of a text around a secret what is not the secret.
func (j *Job) masked(v options.Value) options.Value {
	return v.MapScalars("", func(_, _ string, s options.Value) options.Value {
		if s.Kind() != options.String {
			return s
		}
		text := j.Mask(s.Text())
		if s.IsSecret() && (text == s.Text() || slices.ContainsFunc(j.Secrets, func(secret string) bool { return strings.Contains(text, secret) })) {
			return s // a secret too short to be told from the text around it
		}
		return options.Text(text)
	})
}

// Contains tells that everything in the essence part is in the essence whole, and is the same there.
func Contains(whole, part json.RawMessage) bool {
	a, b := essence(whole), essence(part)
	for path, v := range b {
		if !reflect.DeepEqual(a[path], v) {
			return false
		}
	}
	return len(b) > 0
}

// Differences lists what is not the same in two essences, one line each, in the order of the paths.
func Differences(was, is json.RawMessage) []string {
	var out []string
	differ("", essence(was), essence(is), &out)
	return out
}

func essence(src json.RawMessage) map[string]any {
	var out map[string]any
	d := json.NewDecoder(bytes.NewReader(src))
	d.UseNumber()
	if d.Decode(&out) != nil {
		return nil
	}
	return out
}

// missing stands for a key that is not there.
type missing struct{}

func differ(path string, was, is any, out *[]string) {
	a, objects := was.(map[string]any)
	b, both := is.(map[string]any)
	if objects && both {
		keys := slices.Collect(maps.Keys(a))
		for k := range b {
			if _, ok := a[k]; !ok {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		for _, k := range keys {
			at := k
			if path != "" {
				at = options.Join(path, k)
			}
			differ(at, member(a, k), member(b, k), out)
		}
		return
	}
	x, lists := was.([]any)
	y, bothLists := is.([]any)
	if lists && bothLists && len(x) == len(y) {
		for i := range x {
			differ(options.At(path, i), x[i], y[i], out)
		}
		return
	}
	if !reflect.DeepEqual(was, is) {
		*out = append(*out, fmt.Sprintf("%s: was %s, is %s", path, shown(was), shown(is)))
	}
}

func member(m map[string]any, key string) any {
	if v, ok := m[key]; ok {
		return v
	}
	return missing{}
}

func shown(v any) string {
	if v == (missing{}) {
		return "not given"
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	text := strings.TrimSpace(b.String())
	const most = 200
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + " …"
	}
	return text
}
