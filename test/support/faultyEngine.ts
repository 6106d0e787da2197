// First of all: what it replaces must be in place before the engine is loaded.
import './faultyDisk';
import '../../src/engine/main';
