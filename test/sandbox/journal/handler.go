package journal

import (
	"context"
	"io"
	"net/http"
)

type entryKey struct{}

// Of returns the entry of a request that came through Handler, nil for others. A
// handler that takes the connection over reports to it what no longer passes here.
func Of(r *http.Request) *Entry {
	e, _ := r.Context().Value(entryKey{}).(*Entry)
	return e
}

// Handler records the requests to h, which is the server named: "fe" or "be", at
// node, host:port.
func (j *Journal) Handler(server, node string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := r.Header.Clone()
		auth := "absent"
		if header.Get("Authorization") != "" {
			auth = "present"
		}
		header.Set("Authorization", auth)
		user, _, _ := r.BasicAuth()
		e := j.Add(Request{Server: server, Node: node, Remote: r.RemoteAddr, Method: r.Method, Path: r.URL.Path,
			Query: r.URL.RawQuery, Proto: r.Proto, Header: header, User: user, ContentLength: r.ContentLength})
		cut := true // unless the handler returns
		defer func() { e.Ended(cut) }()
		seen := r.WithContext(context.WithValue(r.Context(), entryKey{}, e))
		seen.Body = &body{ReadCloser: r.Body, entry: e}
		h.ServeHTTP(&writer{ResponseWriter: w, entry: e}, seen)
		cut = false
	})
}

type body struct {
	io.ReadCloser
	entry *Entry
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.entry.Received(p[:n])
	}
	return n, err
}

// writer notes the answer.
type writer struct {
	http.ResponseWriter
	entry *Entry
	wrote bool
}

func (w *writer) WriteHeader(status int) {
	if !w.wrote && status >= 200 {
		w.wrote = true
		w.entry.Answered(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(p []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	w.entry.said(p)
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
