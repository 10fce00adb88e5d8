package store

import "maps"

// MaxConnections is the property that bounds the connections of a user.
const MaxConnections = "max_user_connections"

// Properties returns what was set for a user, by name; nil for an unknown one.
func (u *Users) Properties(user string) map[string]string {
	u.mu.RLock()
	defer u.mu.RUnlock()
	if a := u.accounts[user]; a != nil {
		return maps.Clone(a.properties)
	}
	return nil
}

// SetProperties sets some properties of a user; an empty value takes one away. The
// error is an *UnknownUser. What they may be is the caller's to check.
func (u *Users) SetProperties(user string, properties map[string]string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	a := u.accounts[user]
	if a == nil {
		return &UnknownUser{User: user}
	}
	if a.properties == nil {
		a.properties = map[string]string{}
	}
	for name, value := range properties {
		if value == "" {
			delete(a.properties, name)
		} else {
			a.properties[name] = value
		}
	}
	return nil
}
