"""What the pretend banks say unasked: what there is to say, signing it, and delivering it when told to."""
