"""Does the client lose a word? Conversations in virtual time over a network and a service that misbehave."""
