package opensearch

// Beside is the engine of the index in the making, for tests.
func (e *Engine) Beside() *Engine { return e.beside() }
