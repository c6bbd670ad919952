// The roofline.
