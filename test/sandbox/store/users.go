package store

import (
	"crypto/subtle"
	"sync"
)

// Users holds the accounts of the stand-in. It is safe for concurrent use.
type Users struct {
	mu       sync.RWMutex
	accounts map[string]*account
}

type account struct {
	password string
	readOnly bool
}

// NewUsers returns the accounts of a fresh server: root with an empty password.
func NewUsers() *Users {
	return &Users{accounts: map[string]*account{"root": {}}}
}

// Add creates the user or changes its password.
func (u *Users) Add(user, password string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if a := u.accounts[user]; a != nil {
		a.password = password
		return
	}
	u.accounts[user] = &account{password: password}
}

// Check says whether the password is right.
func (u *Users) Check(user, password string) bool {
	want, ok := u.Password(user)
	return ok && subtle.ConstantTimeCompare([]byte(want), []byte(password)) == 1
}

// Password returns the user's password; ok is false for an unknown user.
func (u *Users) Password(user string) (password string, ok bool) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	a := u.accounts[user]
	if a == nil {
		return "", false
	}
	return a.password, true
}

// SetReadOnly takes the INSERT privilege from a user, or gives it back.
func (u *Users) SetReadOnly(user string, readOnly bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if a := u.accounts[user]; a != nil {
		a.readOnly = readOnly
	}
}

// CanInsert says whether the user may load data.
func (u *Users) CanInsert(user string) bool {
	u.mu.RLock()
	defer u.mu.RUnlock()
	a := u.accounts[user]
	return a != nil && !a.readOnly
}
